package plan

import (
	"mwan3/config"
)

// Carried is an interface's mark under a mask, as living connections carry it.
type Carried struct {
	Interface  string
	Mark, Mask uint32
}

// Carried lists the marks that the config gives its interfaces, in config order.
func (in Inputs) Carried() []Carried {
	var all []Carried
	mask := in.Config.Globals.Mask
	for _, section := range in.Config.Interfaces {
		if section.Enabled {
			all = append(all, Carried{section.Name, mask.Mark(section.ID), uint32(mask)})
		}
	}
	return all
}

// Remark is a translation of the marks of living connections: those whose mark under Mask is a key get its value. The
// bits outside of Mask are others'.
type Remark struct {
	Mask   uint32
	Change map[uint32]uint32
}

// Remarks decides which marks connections have to get when interfaces get others: that of the same interface or, if it
// is gone, none, so that they are decided anew. When the mask changes, "default" stays what it is, and what was refused
// or swallowed is decided anew. Bits that the old mask had and the new one lacks are cleared.
func Remarks(before, after []Carried) Remark {
	remark := Remark{Change: map[uint32]uint32{}}
	marks := map[string]uint32{}
	for _, carried := range after {
		marks[carried.Interface] = carried.Mark
		remark.Mask |= carried.Mask
	}
	remark.addSpecials(before, after)
	for _, carried := range before {
		remark.Mask |= carried.Mask
		remark.Change[carried.Mark] = marks[carried.Interface]
	}
	for from, to := range remark.Change {
		if from == to {
			delete(remark.Change, from)
		}
	}
	return remark
}

// addSpecials translates the marks that are no interface's, if the mask has changed.
func (r *Remark) addSpecials(before, after []Carried) {
	if len(before) == 0 || len(after) == 0 || before[0].Mask == after[0].Mask {
		return
	}
	from, to := config.Mask(before[0].Mask), config.Mask(after[0].Mask)
	r.Change[from.SpecialMark(config.Default)] = to.SpecialMark(config.Default)
	r.Change[from.SpecialMark(config.Unreachable)] = 0
	r.Change[from.SpecialMark(config.Blackhole)] = 0
}

// both is what connections carry that are to survive a change of the mask: beside the old bits the new ones, where they
// do not contradict each other.
func both(before, after []Carried) Remark {
	remark := Remarks(before, after)
	from, to := before[0].Mask, after[0].Mask
	for old, mark := range remark.Change {
		if mark == 0 || old&to != mark&from {
			delete(remark.Change, old)
			continue
		}
		remark.Change[old] |= old
	}
	return remark
}

// cleared takes away the bits of the old mask that the new one lacks.
func cleared(before, after []Carried) Remark {
	lacking := before[0].Mask &^ after[0].Mask
	remark := Remark{Mask: lacking, Change: map[uint32]uint32{}}
	for old := range Remarks(before, after).Change {
		if old&lacking != 0 {
			remark.Change[old&lacking] = 0
		}
	}
	return remark
}
