package ubusd

import (
	"math/rand/v2"
	"sort"
	"strings"

	"mwan3/ubus"
)

// The ids below systemIDs are ubusd's own (libubus.h): objects that cannot be looked up, but called.
const (
	systemIDs     = 1024
	eventObject   = 1
	monitorObject = 3
)

// bus is the state of ubusd from its start to its end: who is connected and which objects there are.
type bus struct {
	conns   map[*conn]bool
	objects map[uint32]*object
	paths   map[string]*object
	self    uint32 // the client id of the daemons behind this server
	seq     uint16 // of messages that nobody asked for
}

// handler answers a call of an object's method. A nil table is an answer without data.
type handler func(method string, args ubus.Table) (ubus.Table, ubus.Status)

// object is what can be called, listen and be subscribed to.
type object struct {
	id          uint32
	kind        uint32 // the id of its signature; 0 = it has none, and is hidden
	path        string // "" = nameless
	signature   ubus.Table
	owner       *conn   // who has published it; nil = one of the daemons here
	handle      handler // for those without an owner
	plugin      *plugin // likewise: the program that answers, instead of handle
	ofRpcd      bool    // it goes when rpcd looks for its plugins anew
	patterns    []string
	subscribers []*object
}

func newBus() *bus {
	return &bus{conns: map[*conn]bool{}, objects: map[uint32]*object{}, paths: map[string]*object{}, self: newID()}
}

// newID makes an id that is unlikely to be another's.
func newID() uint32 { return rand.Uint32N(1<<32-1-systemIDs) + systemIDs }

func (b *bus) connect(c *conn) {
	c.id = newID()
	b.conns[c] = true
	b.send(c, ubus.Message{Type: ubus.MsgHello, Peer: c.id})
}

// disconnect ends a connection; the client's objects go with it, the last first, as in ubusd.
func (b *bus) disconnect(c *conn) {
	c.close()
	delete(b.conns, c)
	for len(c.objects) > 0 {
		b.remove(c.objects[len(c.objects)-1])
	}
}

// publish makes an object of one of the daemons here.
func (b *bus) publish(path string, signature ubus.Table, handle handler) *object {
	o := &object{path: path, signature: signature, kind: newID(), handle: handle}
	b.add(o)
	return o
}

// add gives an object its id and tells the world; false means that another has its path.
func (b *bus) add(o *object) bool {
	if b.paths[o.path] != nil {
		return false
	}
	o.id = newID()
	b.objects[o.id] = o
	if o.owner != nil {
		o.owner.objects = append(o.owner.objects, o)
	}
	if o.path != "" {
		b.paths[o.path] = o
		b.objectEvent("ubus.object.add", o)
	}
	return true
}

// remove takes an object away and tells its subscribers and the world.
func (b *bus) remove(o *object) {
	delete(b.objects, o.id)
	for _, other := range b.objects {
		b.unsubscribe(o, other)
	}
	for _, subscriber := range o.subscribers {
		b.send(subscriber.owner, ubus.Message{Type: ubus.MsgUnsubscribe, Seq: b.nextSeq(), Attrs: []ubus.Attr{
			ubus.Uint32Attr(ubus.AttrObjID, subscriber.id), ubus.Uint32Attr(ubus.AttrTarget, o.id)}})
	}
	if o.owner != nil {
		o.owner.objects = without(o.owner.objects, o)
	}
	if o.path != "" {
		delete(b.paths, o.path)
		b.objectEvent("ubus.object.remove", o)
	}
}

func without(all []*object, one *object) []*object {
	var rest []*object
	for _, o := range all {
		if o != one {
			rest = append(rest, o)
		}
	}
	return rest
}

// matching returns the objects that a lookup finds, sorted by path. An empty path finds all; one that ends in an
// asterisk finds what begins so.
func (b *bus) matching(path string) []*object {
	prefix, partial := strings.CutSuffix(path, "*")
	var found []*object
	for name, o := range b.paths {
		if name == path || partial && strings.HasPrefix(name, prefix) {
			found = append(found, o)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].path < found[j].path })
	return found
}

// send sends a message and shows it to the monitors.
func (b *bus) send(c *conn, m ubus.Message) {
	b.watch(c, m, true)
	c.send(m)
}

func (b *bus) nextSeq() uint16 {
	b.seq++
	return b.seq
}
