package nft

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestThePlanIsWrittenAsTheGoldenFileHasIt(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", e.name+".nft")
			got := Render(e.marking, e.sets)
			if *update {
				must(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			must(t, err)
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWeightsAddUpToMoreThanAnIntOf32BitsHolds(t *testing.T) {
	const heavy = 1 << 30
	text := Render(marking(v4, balanced(share(1, heavy), share(2, heavy), share(1, heavy))), nil)
	for _, want := range []string{"mod 3221225472 < 1073741824", "mod 2147483648 < 1073741824"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
}
