package ubusd

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"mwan3/ubus"
)

// rpcd is what rpcd knows besides its plugins: where they lie, and who is logged in.
type rpcd struct {
	programs, scripts string // folders of plugins that are programs, and of those for ucode
	sessions          map[string]bool
}

// StartRpcd starts rpcd with the plugins of two folders. For each program of the first it publishes an object of that name,
// which has the methods that the program lists; calls run the program, and while one runs others are answered. The second
// has scripts for ucode, which nobody runs here: their objects have no method that works, but take the names, as on a router.
//
// Besides rpcd's object session there is one called rpcd, for the init script: its method reload does what a SIGHUP does, and
// restart what a restart does.
func (s *Server) StartRpcd(programs, scripts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rpcd = rpcd{programs, scripts, map[string]bool{}}
	s.publishRpcd()
	s.listPlugins()
}

// publishRpcd makes rpcd's own objects on a new bus.
func (s *Server) publishRpcd() {
	id := ubus.Table{{Name: "ubus_rpc_session", Value: argText}}
	s.bus.publish("session", ubus.Table{{Name: "create", Value: ubus.Table{}}, {Name: "list", Value: id}}, s.rpcd.session)
	s.bus.publish("rpcd", ubus.Table{{Name: "reload", Value: ubus.Table{}}, {Name: "restart", Value: ubus.Table{}}}, s.renewRpcd)
}

// session logs somebody in, or tells whether somebody is.
func (r *rpcd) session(method string, args ubus.Table) (ubus.Table, ubus.Status) {
	name := args.Text("ubus_rpc_session")
	if method == "create" {
		name = fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64())
		r.sessions[name] = true
	}
	if !r.sessions[name] {
		return nil, ubus.StatusNotFound
	}
	return ubus.Table{{Name: "ubus_rpc_session", Value: name}}, ubus.StatusOK
}

// renewRpcd looks for plugins anew; a restart forgets besides who is logged in.
func (s *Server) renewRpcd(method string, _ ubus.Table) (ubus.Table, ubus.Status) {
	if method == "restart" {
		clear(s.rpcd.sessions)
	}
	for _, o := range s.bus.matching("*") {
		if o.ofRpcd || o.plugin != nil {
			s.bus.remove(o)
		}
	}
	s.plugins = nil
	s.listPlugins()
	return nil, ubus.StatusOK
}

// listPlugins publishes the objects of all plugins. Of two with one name the first has it; one that does not work is not
// there.
func (s *Server) listPlugins() {
	scripts, _ := os.ReadDir(s.rpcd.scripts)
	for _, script := range scripts {
		silent := func(string, ubus.Table) (ubus.Table, ubus.Status) { return nil, ubus.StatusNotSupported }
		s.bus.publish(script.Name(), ubus.Table{{Name: "status", Value: ubus.Table{}}}, silent).ofRpcd = true
	}
	programs, _ := os.ReadDir(s.rpcd.programs)
	for _, program := range programs {
		if p, err := s.askPlugin(filepath.Join(s.rpcd.programs, program.Name())); err == nil {
			s.plugins = append(s.plugins, p)
			s.publishPlugin(p)
		}
	}
}
