package plan

import (
	"mwan3/config"
	"mwan3/health"
)

// Action is what an event says happened. Whatever it is, the answer is to look again; it only tells what the verdict
// files cannot know yet.
type Action string

// The actions in hotplug's words. Look and ActionIfupdate change no verdict.
const (
	Look               Action = ""
	ActionIfupdate     Action = "ifupdate"
	ActionIfup         Action = "ifup"
	ActionIfdown       Action = "ifdown"
	ActionConnected    Action = "connected"
	ActionDisconnected Action = "disconnected"
)

// Event is something that happened to an interface.
type Event struct {
	Action    Action
	Interface string
}

// Settle decides the state of every enabled interface after an event. in.Health holds the states so far; announced
// the interfaces whose tracker says online. An interface that is not up has no state: it gets its first one, by
// initial_state, when it is seen up (contracts 2.6, 6.4).
func (in Inputs) Settle(event Event, announced map[string]bool) health.States {
	states := health.States{}
	for _, section := range in.Config.Interfaces {
		found, _ := in.Network.Lookup(section.Name, section.Family)
		if !section.Enabled || !found.Up || found.Device == "" {
			continue
		}
		action := Look
		if event.Interface == section.Name {
			action = event.Action
		}
		before, known := in.Health[section.Name]
		first := initial(section, announced)
		if !known { // it has just come up; a verdict is about an earlier life
			before = first
			action = ignoreVerdict(action)
		}
		states[section.Name] = next(before, action, first)
	}
	return states
}

func ignoreVerdict(action Action) Action {
	if action == ActionConnected || action == ActionDisconnected {
		return Look
	}
	return action
}

// next is the state that follows one action.
func next(before health.State, action Action, first health.State) health.State {
	switch {
	case action == ActionIfup:
		return first
	case action == ActionIfdown || before == health.Down:
		return health.Down
	case action == ActionConnected:
		return health.Online
	case action == ActionDisconnected:
		return health.Offline
	}
	return before
}

// initial is the state of an interface that has just come up.
func initial(section config.Interface, announced map[string]bool) health.State {
	if section.InitialOffline && !announced[section.Name] {
		return health.Offline
	}
	return health.Online
}
