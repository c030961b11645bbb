package main

import (
	"mwan3/apply"
	"mwan3/conntrack"
	"mwan3/plan"
)

// walk brings the whole kernel to the plan, and living connections to the marks that their interfaces have there. If those
// marks have changed it does so step by step, so that no connection is led astray meanwhile.
func (r *router) walk(kernel apply.Kernel, in plan.Inputs) error {
	steps, err := r.steps(in)
	if err != nil {
		return err
	}
	able := true // connections can be given other marks
	for i, step := range steps {
		last := i == len(steps)-1
		if !able && !last {
			continue
		}
		if err := r.carry(step.Carries); err != nil {
			return err
		}
		able = able && r.remark(step.Before)
		notes, err := r.applyAll(kernel, step.Inputs)
		if last || err != nil {
			r.logNotes(notes)
		}
		if err != nil {
			return err
		}
		able = able && r.remark(step.After)
	}
	return nil
}

// steps asks the plan for the way from what the last run left.
func (r *router) steps(in plan.Inputs) ([]plan.Step, error) {
	if r.record.Fits(in) {
		return in.Steps(nil), nil
	}
	if err := r.readKernel(&in); err != nil {
		return nil, err
	}
	return in.Steps(r.record.Marks()), nil
}

// carry notes which marks connections can carry from now on, for the next run if this one is cut off.
func (r *router) carry(marks []plan.Carried) error {
	if marks == nil {
		return nil
	}
	return r.record.SetMarks(marks)
}

// remark gives living connections other marks. It tells whether that worked; if not, they are routed by their old marks.
func (r *router) remark(remarks []plan.Remark) bool {
	for _, remark := range remarks {
		count, err := conntrack.Remark(remark.Mask, remark.Change)
		if err != nil {
			r.log.Warn("interfaces have other marks now, their connections keep the old ones: %v", err)
			return false
		}
		if count > 0 {
			r.log.Info("interfaces have other marks now, and %d connections with them", count)
		}
	}
	return true
}

func (r *router) logNotes(notes []string) {
	for _, note := range notes {
		r.log.Warn("%s", note)
	}
}
