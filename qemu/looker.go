package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"qemu/look/wire"
	"qemu/machine"
)

// looker asks the engine.
type looker struct {
	m       *machine.Machine
	answers *json.Decoder
}

func newLooker(m *machine.Machine) looker { return looker{m, json.NewDecoder(m.Channel())} }

// answer waits for one.
func (l looker) answer(patience time.Duration) (wire.Answer, error) {
	var a wire.Answer
	if err := l.m.Channel().SetReadDeadline(time.Now().Add(patience)); err != nil {
		return a, err
	}
	err := l.answers.Decode(&a)
	if errors.Is(err, io.EOF) {
		ending, failure := l.m.Wait()
		err = errors.Join(fmt.Errorf("the machine is off: %s", ending), failure)
	}
	return a, err
}

func (l looker) ask(r wire.Request) (wire.Answer, error) {
	if err := json.NewEncoder(l.m.Channel()).Encode(r); err != nil {
		return wire.Answer{}, err
	}
	return l.answer(bootTime)
}

// cable pulls one, and plugs it in again.
func cable(m *machine.Machine, l looker) error {
	for _, up := range []bool{false, true} {
		if err := m.SetLink("wan0", up); err != nil {
			return err
		}
		want := map[bool]string{true: "1", false: "0"}[up]
		script := "for i in $(seq 50); do [ $(cat /sys/class/net/wan0/carrier) = " + want + " ] && exit; sleep 0.1; done; exit 1"
		answer, err := l.ask(wire.Request{Run: script})
		if err != nil {
			return err
		}
		if answer.Error != "" {
			return fmt.Errorf("the carrier of wan0 is not %s after SetLink", want)
		}
	}
	report("cable out and in", "works")
	return nil
}

// off ends the engine, and so the machine.
func off(m *machine.Machine, l looker) error {
	if err := json.NewEncoder(m.Channel()).Encode(wire.Request{}); err != nil {
		return err
	}
	began := time.Now()
	ending, err := m.Wait()
	if err == nil && ending != machine.PoweredOff {
		err = fmt.Errorf("the router was to switch itself off: %s", ending)
	}
	report("off", fmt.Sprintf("%s after %.1f s", ending, time.Since(began).Seconds()))
	return err
}
