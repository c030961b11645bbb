// Package health is what works: the files through which mwan3track, mwan3 and everybody who watches them tell each
// other the verdicts (contracts 3). Under /var/run/mwan3 stands what routing follows, one State per interface;
// under /var/run/mwan3track what each tracker knows. All values end with one newline and are replaced atomically.
package health

// State is what routing may do with an interface.
type State uint8

const (
	// Down: taken down by an ifdown (netifd's or `mwan3 ifdown`) and not brought up since; nothing is routed there.
	Down State = iota
	// Offline: up, but the verdict is that it does not reach the internet; policies do not use it.
	Offline
	// Online: up, and policies use it.
	Online
)

// String returns the word in which upstream keeps the state: online or offline.
func (s State) String() string {
	if s == Online {
		return "online"
	}
	return "offline"
}

// States holds the state of every interface that ever had one since the start; an absent one is Down.
type States map[string]State
