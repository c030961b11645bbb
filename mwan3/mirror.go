package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"strings"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/ipset"
	"mwan3/network"
	"mwan3/nft"
	"mwan3/plan"
	"mwan3/survey"
)

// mirror is what mwan3rtmon has done for its family when routes or devices have changed: it brings the interfaces' tables and
// the sets of networks to the plan, and writes only what differs. It prints the numbers of these tables: changes there are its
// own.
func (c cli) mirror(args []string) error {
	family, ok := network.ParseFamily(strings.Join(args, " "))
	if !ok {
		return errors.New("usage: mwan3 mirror <ipv4|ipv6>")
	}
	if _, running := apply.DefaultRecord().Running(); !running {
		return nil
	}
	r, err := openLoaded("mwan3rtmon")
	if err != nil {
		return err
	}
	defer r.close()
	r.followLinks(c, family)
	tables, err := r.mirror(c, family)
	for _, table := range tables {
		fmt.Fprintln(c.out, table)
	}
	return err
}

// openLoaded is openRouter with the config that the kernel was loaded with: changes that nobody has loaded yet are not for a
// route that happens to come. Where none was kept, by an earlier version, the config as it is now may fit.
func openLoaded(tag string) (*router, error) {
	cfg, err := survey.KeptConfig(apply.DefaultRecord().LoadedConfig())
	if errors.Is(err, fs.ErrNotExist) {
		return openRouter(tag)
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return newRouter(tag, cfg, nil)
}

// mirror writes tables and sets and returns which tables. A config that does not fit the marks waits for its reload.
func (r *router) mirror(c cli, family network.Family) ([]int, error) {
	unlock, err := apply.Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	running, ok := r.record.Running()
	if !ok || !r.record.Fits(plan.Inputs{Config: r.cfg}) {
		return nil, nil
	}
	in, err := survey.LookDeep(c.ctx, r.cfg, r.routing)
	if err != nil {
		return nil, err
	}
	in.Network.Families = []network.Family{family}
	var tables []int
	for table := range in.OwnTables() {
		if table.Family == family {
			tables = append(tables, table.ID)
		}
	}
	kernel := apply.Kernel{Routing: r.routing}
	return tables, errors.Join(kernel.Tables(in.Tables(), in), r.mirrorSets(running, family, in.Sets()))
}

// mirrorSets writes the sets if they differ from what was written last.
func (r *router) mirrorSets(running config.Backend, family network.Family, sets []plan.Set) error {
	word := fingerprint(sets)
	if word == r.record.Mirrored(family) {
		return nil
	}
	loader, err := setsOf(running)
	if err != nil {
		return err
	}
	if err := loader.LoadSets(sets); err != nil {
		return err
	}
	return r.record.SetMirrored(family, word)
}

// fingerprint is a word that other sets have not.
func fingerprint(sets []plan.Set) string {
	hash := fnv.New128a()
	for _, set := range sets {
		fmt.Fprintln(hash, set.Kind, set.Name, set.Family, set.Copy, len(set.Prefixes))
		for _, prefix := range set.Prefixes {
			text, _ := prefix.MarshalBinary() // never fails
			hash.Write(text)
		}
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// setLoader is the part of a backend that the mirror needs.
type setLoader interface {
	// LoadSets swaps the members of the connected and custom sets. It fails when the marking is not loaded.
	LoadSets([]plan.Set) error
}

// setsOf opens the sets of the backend that holds the marking.
func setsOf(running config.Backend) (setLoader, error) {
	if running == config.IPTables {
		return ipset.Loader{}, nil
	}
	return nft.Find()
}
