package hostile

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	Attackers()
	goleak.VerifyTestMain(m)
}
