package apply

import (
	"fmt"
	"os"
	"slices"
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
		var c plan.Carried
		if _, err := fmt.Sscanf(line, "%s %v/%v", &c.Interface, &c.Mark, &c.Mask); err != nil {
			return nil
		}
		if c.Mark == 0 || c.Mark&^c.Mask != 0 || len(all) > 0 && c.Mask != all[0].Mask {
			return nil
		}
		all = append(all, c)
	}
	return all
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
