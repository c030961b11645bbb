package health

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Store is where the verdicts are kept.
type Store struct {
	Dir      string // what routing follows: iface_state/<iface> and iface_down/<iface>
	TrackDir string // what the trackers know: a directory for each
}

// Default returns the router's own store.
func Default() Store {
	return Store{Dir: "/var/run/mwan3", TrackDir: "/var/run/mwan3track"}
}

// States reads the state of every interface that has one. Text that is not a state counts as Offline, as it does
// for upstream; what cannot be read at all is Down.
func (s Store) States() States {
	states := States{}
	for _, dir := range []string{s.stateDir(), s.downDir()} {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if name := entry.Name(); checkName("interface", name) == nil {
				states[name] = s.State(name)
			}
		}
	}
	return states
}

// State reads the state of one interface; without a file it is Down.
func (s Store) State(iface string) State {
	if checkName("interface", iface) != nil || exists(s.downDir(), iface) || !exists(s.stateDir(), iface) {
		return Down
	}
	if readValue(s.stateDir(), iface) == Online.String() {
		return Online
	}
	return Offline
}

// TakenDown tells whether an ifdown is the reason why an interface is Down, rather than that it never was up.
func (s Store) TakenDown(iface string) bool {
	return checkName("interface", iface) == nil && exists(s.downDir(), iface)
}

// SetState writes the state of one interface. Whoever reads meanwhile sees the old or the new state, or Down.
func (s Store) SetState(iface string, state State) error {
	if err := checkName("interface", iface); err != nil {
		return err
	}
	if state == Down {
		return errors.Join(s.mark(iface), s.write(iface, state))
	}
	return errors.Join(s.write(iface, state), s.unmark(iface))
}

// SetStates writes all states given and leaves the others as they are. One that fails does not stop the rest.
func (s Store) SetStates(states States) error {
	var errs []error
	for iface, state := range states {
		errs = append(errs, s.SetState(iface, state))
	}
	return errors.Join(errs...)
}

// Forget removes what is known about an interface's state; it is Down then, as if it had never been up.
func (s Store) Forget(iface string) error {
	if err := checkName("interface", iface); err != nil {
		return err
	}
	return errors.Join(remove(filepath.Join(s.stateDir(), iface)), s.unmark(iface))
}

func (s Store) stateDir() string { return filepath.Join(s.Dir, "iface_state") }
func (s Store) downDir() string  { return filepath.Join(s.Dir, "iface_down") }

func (s Store) write(iface string, state State) error {
	if err := os.MkdirAll(s.stateDir(), 0o755); err != nil {
		return fmt.Errorf("write state of %s: %w", iface, err)
	}
	if err := newFile(s.stateDir(), iface).replace([]byte(state.String())); err != nil {
		return fmt.Errorf("write state of %s: %w", iface, err)
	}
	return nil
}

func (s Store) mark(iface string) error {
	if err := os.MkdirAll(s.downDir(), 0o755); err != nil {
		return fmt.Errorf("mark %s as taken down: %w", iface, err)
	}
	if err := os.WriteFile(filepath.Join(s.downDir(), iface), nil, 0o644); err != nil {
		return fmt.Errorf("mark %s as taken down: %w", iface, err)
	}
	return nil
}

func (s Store) unmark(iface string) error { return remove(filepath.Join(s.downDir(), iface)) }

// remove deletes a file that may be missing.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}
