package apply

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"mwan3/plan"
)

// Marks returns the marks that living connections can carry: one line of the file marks for each, `wan 0x100/0x3f00`. There
// are none if nobody has left any, or if the file is not of our making.
func (r Record) Marks() []plan.Carried {
	text, err := os.ReadFile(r.path("marks"))
	if err != nil {
		return nil
	}
	var all []plan.Carried
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		c, err := parseMark(line)
		if err != nil {
			return nil
		}
		if c.Mark == 0 || c.Mark&^c.Mask != 0 || len(all) > 0 && c.Mask != all[0].Mask {
			return nil
		}
		all = append(all, c)
	}
	return all
}

func parseMark(line string) (plan.Carried, error) {
	iface, value, _ := strings.Cut(line, " ")
	mark, mask, _ := strings.Cut(value, "/")
	m, err := strconv.ParseUint(mark, 0, 32)
	k, err2 := strconv.ParseUint(mask, 0, 32)
	return plan.Carried{Interface: iface, Mark: uint32(m), Mask: uint32(k)}, errors.Join(err, err2)
}

// Fits tells whether the config gives interfaces the marks, and with them the tables, that they have in the kernel. It does
// not when ids or mask were changed and not loaded yet; then nobody may write a part of the plan.
func (r Record) Fits(in plan.Inputs) bool { return slices.Equal(r.Marks(), in.Carried()) }

// SetMarks notes which marks living connections can carry. An interface can have several while they change.
func (r Record) SetMarks(marks []plan.Carried) error {
	lines := make([]string, 0, len(marks))
	for _, c := range marks {
		lines = append(lines, fmt.Sprintf("%s %#x/%#x", c.Interface, c.Mark, c.Mask))
	}
	return r.write("marks", strings.Join(lines, "\n"))
}
