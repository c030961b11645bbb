package ubusd

import (
	"time"

	"mwan3/ubus"
)

// defaultDelay is how long procd waits for further events before it obeys a trigger that does not say.
const defaultDelay = time.Second

// event runs the scripts whose triggers wait for what args tell, after their delay. An event that comes during it starts it
// anew, so that many changes run a script once.
func (p *procd) event(args ubus.Table) ubus.Status {
	kind, given := args.Get("type").(string)
	if !given {
		return ubus.StatusInvalidArgument
	}
	for _, s := range p.services {
		for _, trigger := range s.triggers {
			trigger, _ := trigger.(ubus.Array)
			if command := commandOf(trigger, kind, args.Table("data")); command != nil {
				p.later(s, command, delayOf(trigger))
			}
		}
	}
	return ubus.StatusOK
}

// later runs a service's script unless it is asked for again meanwhile, or the service is gone by then.
func (p *procd) later(s *service, command []string, delay time.Duration) {
	s.asked++
	number := s.asked
	p.server.after(delay, func() {
		if p.services[s.name] == s && s.asked == number {
			cmd := p.processOf(command, nil)
			if cmd.Start() == nil {
				p.server.running.Add(1)
				go func() {
					defer p.server.running.Done()
					_ = cmd.Wait() // procd does not care
				}()
			}
		}
	})
}

// commandOf returns what a trigger [TYPE, ["if", ["eq", NAME, VALUE], ["run_script", COMMAND…]], DELAY] runs for an event;
// nil if it waits for something else.
func commandOf(trigger ubus.Array, kind string, data ubus.Table) []string {
	if len(trigger) < 2 || trigger[0] != kind {
		return nil
	}
	rule, _ := trigger[1].(ubus.Array)
	if len(rule) != 3 || rule[0] != "if" {
		return nil
	}
	condition, _ := rule[1].(ubus.Array)
	action, _ := rule[2].(ubus.Array)
	if len(condition) != 3 || len(action) < 2 || action[0] != "run_script" {
		return nil
	}
	if name, _ := condition[1].(string); condition[0] != "eq" || data.Get(name) != condition[2] {
		return nil
	}
	var command []string
	for _, word := range action[1:] {
		text, _ := word.(string)
		command = append(command, text)
	}
	return command
}

func delayOf(trigger ubus.Array) time.Duration {
	if len(trigger) > 2 {
		if ms, ok := trigger[2].(int64); ok {
			return time.Duration(ms) * time.Millisecond
		}
	}
	return defaultDelay
}
