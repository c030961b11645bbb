package ubusd

import (
	"bytes"
	"crypto/sha256"
	"os"
	"strconv"
	"time"

	"mwan3/ubus"
)

// settings are an instance's as an init script gives them.
type settings struct {
	config       ubus.Table
	command      []string
	env          []string
	respawn      bool
	threshold    int // a process that lived shorter (seconds) has crashed
	pause        int // seconds between the end of a process and the next
	retry        int // after so many crashes in a row procd gives up; 0 = never
	termTimeout  time.Duration
	reloadSignal int
	identity     []byte // differs when the process has to be restarted
}

func settingsOf(config ubus.Table) settings {
	s := settings{config: config, threshold: 3600, pause: 5, retry: 5, termTimeout: 5 * time.Second}
	for _, word := range config.Array("command") {
		text, _ := word.(string)
		s.command = append(s.command, text)
	}
	for _, field := range config.Table("env") {
		text, _ := field.Value.(string)
		s.env = append(s.env, field.Name+"="+text)
	}
	if seconds, given := config.Get("term_timeout").(int64); given {
		s.termTimeout = time.Duration(seconds) * time.Second
	}
	s.reloadSignal = int(config.Int("reload_signal"))
	s.setRespawn()
	s.identify()
	return s
}

// setRespawn reads the numbers of the option respawn, which are strings.
func (s *settings) setRespawn() {
	values, given := s.config.Get("respawn").(ubus.Array)
	s.respawn = given
	numbers := [...]*int{&s.threshold, &s.pause, &s.retry}
	for i, value := range values {
		text, _ := value.(string)
		if i < len(numbers) {
			*numbers[i], _ = strconv.Atoi(text) // procd reads what is no number as 0
		}
	}
}

// identify notes what procd compares: all settings but data, outputs and triggers, and the contents of the files.
func (s *settings) identify() {
	var b builder
	for _, field := range s.config {
		switch field.Name {
		case "data", "stdout", "stderr", "watch", "trigger":
		default:
			b.add(field.Name, field.Value)
		}
	}
	attr, _ := ubus.TableAttr(ubus.AttrData, b.Table) // it came over the wire: it fits
	s.identity = attr.Data
	for _, name := range s.config.Array("file") {
		path, _ := name.(string)
		contents, _ := os.ReadFile(path) // a missing file is like an empty one
		sum := sha256.Sum256(contents)
		s.identity = append(s.identity, sum[:]...)
	}
}

func (s settings) same(other settings) bool { return bytes.Equal(s.identity, other.identity) }
