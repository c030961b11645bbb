package main

import (
	"math/rand/v2"
	"time"
)

// world is what a simulation asks. Times count from its beginning and never go back.
type world interface {
	// ask returns after what time an answer comes to a probe that is sent now, and whether one comes at all.
	ask(now time.Duration, target int) (time.Duration, bool)
}

// weather is a world with troubles. What comes and goes by itself does so at the same times whoever asks; packets have
// luck of their own.
type weather struct {
	packets *rand.Rand
	loss    float64 // of probes: either the request or the answer
	bursts  *spells // in which burst of the probes are lost
	burst   float64 // 1: nothing comes through
	slow    *spells // in which answers take longer
	extra   time.Duration
	dead    int      // a target that never answers; none: -1
	stingy  *limiter // of target 0
}

// Round trips take trip and up to jitter more.
const (
	trip   = 20 * time.Millisecond
	jitter = 4 * time.Millisecond
)

func newWeather(seed uint64) *weather {
	return &weather{packets: rand.New(rand.NewPCG(seed, 0)), dead: none}
}

const none = -1

func (w *weather) ask(now time.Duration, target int) (time.Duration, bool) {
	took := trip + time.Duration(w.packets.Float64()*float64(jitter))
	if w.slow.at(now) {
		took += w.extra
	}
	switch {
	case target == w.dead,
		w.loss > 0 && w.packets.Float64() < w.loss,
		w.bursts.at(now) && w.packets.Float64() < w.burst,
		target == 0 && !w.stingy.allow(now):
		return 0, false
	}
	return took, true
}

// spells come after gaps of good weather. A nil one never comes.
type spells struct {
	begin, end  time.Duration // of the present or the next one
	gap, length func() time.Duration
}

func newSpells(gap, length func() time.Duration) *spells {
	s := &spells{gap: gap, length: length}
	s.follow()
	return s
}

func (s *spells) follow() {
	s.begin = s.end + s.gap()
	s.end = s.begin + s.length()
}

// at tells whether there is one now.
func (s *spells) at(now time.Duration) bool {
	if s == nil {
		return false
	}
	for now >= s.end {
		s.follow()
	}
	return now >= s.begin
}

func always(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// random returns times that are distributed exponentially.
func random(seed, stream uint64, mean time.Duration) func() time.Duration {
	r := rand.New(rand.NewPCG(seed, stream))
	return func() time.Duration { return time.Duration(r.ExpFloat64() * float64(mean)) }
}

// limiter is a token bucket that other people's probes use, too. A nil one lets all probes through.
type limiter struct {
	perSecond, most float64 // tokens
	tokens          float64
	filled          time.Duration // when tokens was true
	others          func() time.Duration
	other           time.Duration // when the next one of them asks
}

func newLimiter(perSecond, most float64, others func() time.Duration) *limiter {
	return &limiter{perSecond: perSecond, most: most, tokens: most, others: others, other: others()}
}

// allow tells whether a probe is answered.
func (l *limiter) allow(now time.Duration) bool {
	if l == nil {
		return true
	}
	for l.other <= now {
		l.draw(l.other)
		l.other += l.others()
	}
	return l.draw(now)
}

func (l *limiter) draw(now time.Duration) bool {
	l.tokens = min(l.most, l.tokens+(now-l.filled).Seconds()*l.perSecond)
	l.filled = now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}
