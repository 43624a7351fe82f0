package report

import "testing"

func TestReplaceSection(t *testing.T) {
	const section = Heading + "\n\nnew\n"
	for name, c := range map[string]struct{ page, want string }{
		"no page":  {"", "# Performance\n\n" + section},
		"not yet":  {"# P\n\n## A\n\na\n", "# P\n\n## A\n\na\n\n" + section},
		"last":     {"# P\n\n## A\n\na\n\n" + Heading + "\n\nold\n### more\n", "# P\n\n## A\n\na\n\n" + section},
		"in front": {"# P\n\n" + Heading + "\n\nold\n\n## A\n\na\n", "# P\n\n" + section + "\n## A\n\na\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := replaceSection(c.page, section); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if again := replaceSection(c.want, section); again != c.want {
				t.Errorf("again %q, want no change", again)
			}
		})
	}
}
