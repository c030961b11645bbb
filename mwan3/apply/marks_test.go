package apply

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/plan"
)

func TestTheMarksOfAStartAreReadBack(t *testing.T) {
	record := Record{t.TempDir()}
	in := plan.Inputs{Config: config.Config{Globals: config.Globals{Mask: config.DefaultMask}, Interfaces: []config.Interface{
		{Name: "wan", ID: 1, Enabled: true}, {Name: "off", ID: 2}, {Name: "wan6", ID: 3, Enabled: true},
	}}}
	if err := record.Started(config.NFTables, config.DefaultMask, in.Carried()...); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(record.Dir, "marks"))
	if err != nil || string(text) != "wan 0x100/0x3f00\nwan6 0x300/0x3f00\n" {
		t.Errorf("%q, %v", text, err)
	}
	if diff := cmp.Diff(in.Carried(), record.Marks()); diff != "" || !record.Fits(in) {
		t.Error(diff)
	}
	in.Config.Interfaces[1].Enabled = true
	if record.Fits(in) {
		t.Error("it fits an interface more, too")
	}
}

func TestMarksThatAreNotOfOurMakingDoNotCount(t *testing.T) {
	record := Record{t.TempDir()}
	for _, text := range []string{"", "\n", "wan", "wan 0x100", "wan 256/x", "wan 0x0/0x3f00", "wan 0x10100/0x3f00",
		"wan 0x100/0x3f00\nwanb 0x10000/0xff0000", "wan 0x100/0x3f00\n\nwanb 0x200/0x3f00", "wan 0x100000000/0x100000000"} {
		if err := os.WriteFile(record.path("marks"), []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := record.Marks(); got != nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
