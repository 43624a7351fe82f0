package longpoll

import "testing"

func TestShardsAreAboutTheSize(t *testing.T) {
	p := &Poller{opts: Options{ShardSize: 400}}
	for partitions, want := range map[int]int{1: 1, 400: 1, 450: 1, 451: 2, 3333: 8, 10000: 23} {
		if got := p.shardsFor(partitions); got != want {
			t.Errorf("%d partitions make %d shards, want %d", partitions, got, want)
		}
	}
}
