package deployed

import "testing"

func TestLimitsOfTheManifest(t *testing.T) {
	l, err := ReadLimits("../../deploy/scaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// What deploy/scaler.yaml says of them: seven eighths.
	if l.GOMAXPROCS < 1 || l.Memory < 64<<20 || l.MemoryLimit != l.Memory/8*7 {
		t.Errorf("got %+v", l)
	}
}

func TestNoDeployment(t *testing.T) {
	for _, file := range []string{"deployed.go", "nothing.yaml"} {
		if l, err := ReadLimits(file); err == nil {
			t.Errorf("%s: got %+v", file, l)
		}
	}
}
