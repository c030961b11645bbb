package emulation

import "testing"

// witness notes what becomes of a test.
type witness struct {
	testing.TB
	fate string
}

func (w *witness) Helper()               {}
func (w *witness) Skip(...any)           { w.be("left out") }
func (w *witness) Fatalf(string, ...any) { w.be("failed") }

// be keeps what a real test would have ended with.
func (w *witness) be(fate string) {
	if w.fate == "" {
		w.fate = fate
	}
}

func TestATestIsLeftOutInTheEmulationOnly(t *testing.T) {
	kernel := map[bool]string{true: "left out", false: "failed"}[On()]
	for _, test := range []struct {
		name, env string
		needs     func(testing.TB)
		want      string
	}{
		{"needs the kernel", "", NeedsKernel, ""},
		{"starts programs", "", StartsPrograms, ""},
		{"needs the kernel, said to be emulated", "1", NeedsKernel, kernel},
		{"starts programs, said to be emulated", "1", StartsPrograms, "left out"},
	} {
		t.Setenv(Env, test.env)
		w := &witness{TB: t}
		if test.needs(w); w.fate != test.want {
			t.Errorf("%s: %q, want %q", test.name, w.fate, test.want)
		}
	}
}
