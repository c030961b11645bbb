package words

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"e2e/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func TestTheWordsDoWhatTheySay(t *testing.T) {
	for _, file := range []string{"testdata/lab.txtar", "testdata/openwrt.txtar"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			labtest.In(t, func(t *testing.T) {
				testscript.Run(t, Params(file, Options{Backend: "nftables", Bin: t.TempDir(), Draw: Here}))
			})
		})
	}
}

func TestSharesAreComparedWithinFourSigma(t *testing.T) {
	for _, test := range []struct {
		name string
		got  map[string]int
		want map[string]float64
		err  string
	}{
		{"exact", map[string]int{"isp1": 180, "isp2": 120}, map[string]float64{"isp1": 60, "isp2": 40}, ""},
		{"at the edge", map[string]int{"isp1": 213, "isp2": 87}, map[string]float64{"isp1": 60, "isp2": 40}, ""},
		{"beyond it", map[string]int{"isp1": 214, "isp2": 86}, map[string]float64{"isp1": 60, "isp2": 40},
			"of 300 connections isp1: 214, want 180 ± 34; isp2: 86, want 120 ± 34"},
		{"all means all", map[string]int{"isp1": 299, "silence": 1}, map[string]float64{"isp1": 100},
			"of 300 connections isp1: 299, want 300 ± 0; silence: 1, want none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := compare(test.got, test.want, 300); err != nil {
				got = err.Error()
			}
			if got != test.err {
				t.Errorf("got %q, want %q", got, test.err)
			}
		})
	}
}
