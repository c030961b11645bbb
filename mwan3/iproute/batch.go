package iproute

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// batch is a number of edits that are sent many at a time. The kernel answers those that failed and the last one of
// a send; those that want it (NLM_F_ECHO) are answered with what they changed, too.
type batch struct {
	count  int
	encode func(b []byte, i int) []byte // appends the i-th message, unfinished
	failed func(i int, err error)
	echoed func(i int, body []byte)
}

// run makes the edits in order. An error means that the connection is broken: edits may be missing.
func (c *conn) run(b batch) error {
	for start := 0; start < b.count; {
		end, err := c.runChunk(b, start)
		if err != nil {
			return fmt.Errorf("netlink: %w", err)
		}
		start = end
	}
	return nil
}

// runChunk makes the edits from start on that fit one send.
func (c *conn) runChunk(b batch, start int) (end int, err error) {
	base := c.seq + 1
	end, last := start, 0
	c.out = c.out[:0]
	for end < b.count && end-start < chunkMessages && len(c.out) < chunkSize {
		last = len(c.out)
		c.out = b.encode(c.out, end)
		c.seq++
		finish(c.out, last, c.seq)
		end++
	}
	setFlags(c.out, last, unix.NLM_F_ACK)
	if err := c.send(c.out); err != nil {
		return end, err
	}
	err = c.answers(func(m message) (bool, error) {
		i := int(m.seq - base)
		if i < 0 || i >= end-start {
			return false, nil
		}
		if m.typ != unix.NLMSG_ERROR {
			b.echoed(start+i, m.body)
			return false, nil
		}
		if err := answerError(m); err != nil {
			b.failed(start+i, err)
		}
		return m.seq == c.seq, nil
	})
	return end, err
}

// isGone tells that something that was to be deleted is not there.
func isGone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENODEV)
}
