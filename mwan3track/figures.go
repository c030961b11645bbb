package main

import (
	"time"

	"mwan3/health"
)

// figuresPause is the least time between two writes of figures, which differ a little in every round. A round in which a
// target changes does not wait.
const figuresPause = time.Second

// tellFigures has the figures written that are not in the files yet. Those of targets are in their files, and so in the
// router's ubus object, only with check_quality; those of the interface always.
func (m *machine) tellFigures(now time.Time, answers []answer) {
	if !m.changed && now.Sub(m.told) < figuresPause {
		return
	}
	m.changed, m.told = false, now
	for i := range m.targets {
		t := &m.targets[i]
		f := t.window.figures()
		if m.tracking.CheckQuality && f != t.written && len(t.window.samples) > 0 {
			t.written = f
			m.do(writeQuality{m.tracking.Targets[i], f})
		}
	}
	if f, ok := m.figures(answers); ok && f != m.written {
		m.written = f
		m.do(writeFigures(f))
	}
}

// figures returns the interface's: the means of those of the targets that the round has asked. Latency and jitter are of
// the targets that have any.
func (m *machine) figures(answers []answer) (f health.Figures, ok bool) {
	asked, known := 0, 0
	for i, a := range answers {
		if !a.asked {
			continue
		}
		one := m.targets[i].window.figures()
		asked++
		f.Loss += one.Loss
		if one.Latency != health.DeadLatency {
			known++
			f.Latency += one.Latency
			f.Jitter += one.Jitter
		}
	}
	if asked == 0 {
		return f, false
	}
	f.Loss /= asked
	if known == 0 {
		return health.Figures{Latency: health.DeadLatency, Loss: f.Loss}, true
	}
	f.Latency /= known
	f.Jitter /= known
	return f, true
}
