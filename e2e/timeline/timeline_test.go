package timeline

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// seen is a failover as one sees them.
func seen() Failover {
	f := Failover{Title: "mips: <isp1> falls silent"}
	for at := -500 * time.Millisecond; at < time.Second; at += 100 * time.Millisecond {
		f.Probes = append(f.Probes, Probe{at, at < 0})
		c := Connection{Begun: at, Ended: at + 5*time.Millisecond, Via: "isp1"}
		switch {
		case at >= 800*time.Millisecond:
			c.Via = "isp2"
		case at >= 0:
			c.Via, c.Ended = "", at+200*time.Millisecond
		}
		f.Connections = append(f.Connections, c)
	}
	f.Moments = []Moment{{0, "isp1 falls silent"}, {780 * time.Millisecond, "verdict: offline"}, {795 * time.Millisecond, "marking changed"}}
	return f
}

func TestThePictureIsXMLAndShowsEverything(t *testing.T) {
	svg := seen().SVG()
	count := map[string]int{}
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			count[start.Name.Local]++
		}
	}
	if count["circle"] != 3 || count["rect"] != 1+15 {
		t.Errorf("%d moments and %d connections are drawn, not 3 and 15", count["circle"], count["rect"]-1)
	}
	for text, times := range map[string]int{
		"&lt;isp1&gt; falls silent": 1, "0.780 s verdict: offline": 1, "via isp1": 1, "via isp2": 1, "no answer": 1,
		`stroke="` + bad: 10, `fill="` + bad: 9, `stroke="` + good: 5,
	} {
		if got := strings.Count(svg, text); got != times {
			t.Errorf("%q is there %d times, not %d", text, got, times)
		}
	}
}

func TestStepsAreRoundAndNeitherFewNorMany(t *testing.T) {
	for _, span := range []time.Duration{time.Millisecond, 37 * time.Millisecond, time.Second, 1500 * time.Millisecond, time.Hour} {
		step := stepFor(span)
		if parts := float64(span) / float64(step); parts > 10 || span > time.Millisecond && parts < 3 {
			t.Errorf("%v has steps of %v", span, step)
		}
	}
}

func TestNothingSeenIsAPictureToo(t *testing.T) {
	if svg := (Failover{}).SVG(); !strings.HasSuffix(svg, "</svg>\n") || strings.Contains(svg, "NaN") {
		t.Error(svg)
	}
}
