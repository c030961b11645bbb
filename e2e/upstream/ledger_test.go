package upstream

import (
	"fmt"
	"regexp"
	"slices"
)

// ledger keeps count of the differences that occurred in one record.
type ledger []*row

type row struct {
	difference
	part, line *regexp.Regexp
	used       bool
}

func newLedger(record string) ledger {
	var l ledger
	for _, d := range differences {
		if whole(d.record).MatchString(record) {
			l = append(l, &row{d, whole(d.part), whole(d.line), false})
		}
	}
	return l
}

func whole(expression string) *regexp.Regexp { return regexp.MustCompile("^(?:" + expression + ")$") }

// explains tells whether a line differs for a reason.
func (l ledger) explains(part, line string) bool {
	found := false
	for _, row := range l {
		if row.part.MatchString(part) && row.line.MatchString(line) {
			row.used, found = true, true
		}
	}
	return found
}

// awaits tells whether a difference in one of the parts has not occurred yet: daemons take their time.
func (l ledger) awaits(parts []string) bool {
	for _, row := range l {
		if !row.used && slices.ContainsFunc(parts, row.part.MatchString) {
			return true
		}
	}
	return false
}

// unused lists the differences that never occurred.
func (l ledger) unused() []string {
	var list []string
	for _, row := range l {
		if !row.used {
			list = append(list, fmt.Sprintf("%s: %s %s", row.why, row.difference.part, row.difference.line))
		}
	}
	return list
}
