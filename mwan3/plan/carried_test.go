package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// under gives interfaces the marks of the ids 1, 2, … of a mask; an empty name is an interface that has none.
func under(mask uint32, names ...string) []Carried {
	in := Inputs{Config: sections(mask, names...)}
	return in.Carried()
}

func TestRemarks(t *testing.T) {
	const low, wide, high = 0x3f00, 0xff00, 0xff0000
	for _, tt := range []struct {
		name          string
		before, after []Carried
		want          Remark
	}{
		{"nothing has changed", under(low, "wan", "wanb"), under(low, "wan", "wanb"), Remark{low, map[uint32]uint32{}}},
		{"one more at the end", under(low, "wan"), under(low, "wan", "wanb"), Remark{low, map[uint32]uint32{}}},
		{"two change places", under(low, "wan", "wanb"), under(low, "wanb", "wan"),
			Remark{low, map[uint32]uint32{0x100: 0x200, 0x200: 0x100}}},
		{"one more at the front", under(low, "wan", "wanb"), under(low, "lte", "wan", "wanb"),
			Remark{low, map[uint32]uint32{0x100: 0x200, 0x200: 0x300}}},
		{"the first is gone", under(low, "wan", "wanb"), under(low, "wanb"),
			Remark{low, map[uint32]uint32{0x100: 0, 0x200: 0x100}}},
		{"one is disabled", under(low, "wan", "wanb"), under(low, "", "wanb"), Remark{low, map[uint32]uint32{0x100: 0}}},
		{"one has another name", under(low, "wan", "wanb"), under(low, "lte", "wanb"), Remark{low, map[uint32]uint32{0x100: 0}}},
		{"all are gone", under(low, "wan", "wanb"), nil, Remark{low, map[uint32]uint32{0x100: 0, 0x200: 0}}},
		{"an interrupted change left two marks", append(under(low, "wan"), Carried{"wan", 0x3c00, low}), under(low, "", "wan"),
			Remark{low, map[uint32]uint32{0x100: 0x200, 0x3c00: 0x200}}},
		{"the mask has more bits", under(low, "wan", "wanb"), under(wide, "wan", "wanb"),
			Remark{wide, map[uint32]uint32{0x3f00: 0xff00, 0x3e00: 0, 0x3d00: 0}}},
		{"the mask has fewer bits", under(wide, "wan", "wanb"), under(low, "wan", "wanb"),
			Remark{wide, map[uint32]uint32{0xff00: 0x3f00, 0xfe00: 0, 0xfd00: 0}}},
		{"the mask has other bits, and two change places", under(low, "wan", "wanb"), under(high, "wanb", "wan"),
			Remark{low | high, map[uint32]uint32{0x100: 0x20000, 0x200: 0x10000, 0x3f00: 0xff0000, 0x3e00: 0, 0x3d00: 0}}},
		{"nothing was known", nil, under(low, "wan"), Remark{low, map[uint32]uint32{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Remarks(tt.before, tt.after)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
