package cross

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipk/content"
)

// programs writes three files that are called like the programs.
func programs(t *testing.T, text string) string {
	t.Helper()
	folder := t.TempDir()
	for _, program := range content.Programs() {
		if err := os.WriteFile(filepath.Join(folder, program), []byte(program+" "+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestASecondBuildThatDiffersIsNamed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ first, second, want string }{
		{"as ever", "as ever", ""},
		{"as ever", "as never", "mwan3: a second build differs: 13 and 14 bytes, first at byte 9"},
		{"as", "as ever", "mwan3: a second build differs: 8 and 13 bytes, first at byte 8"},
	} {
		got := ""
		if err := same(programs(t, test.first), programs(t, test.second)); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestTheTableHasEachProgramAndAllOfThem(t *testing.T) {
	t.Parallel()
	sizes, err := Measure(context.Background(), "mips", programs(t, strings.Repeat("x", 3000)))
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := Table(&table, sizes); err != nil {
		t.Fatal(err)
	}
	want := `  target     program  raw  squashfs  ipk
    mips       mwan3    3         1    1
    mips  mwan3rtmon    3         1    1
    mips  mwan3track    3         1    1
    mips   all three    9         1    1
`
	if table.String() != want {
		t.Errorf("got\n%s", table.String())
	}
}
