package ubusd

import "mwan3/ubus"

// The attributes of MsgMonitor (ubusmsg.h).
const (
	monitorClient ubus.AttrID = iota
	monitorPeer
	monitorSend
	monitorSeq
	monitorType
	monitorData
)

// bodyStart is where the attributes of an encoded message begin.
const bodyStart = 12

// callMonitor answers for ubusd's own object for monitors.
func (b *bus) callMonitor(c *conn, method string) ubus.Status {
	switch method {
	case "add":
		c.monitor = true
	case "remove":
		c.monitor = false
	default:
		return ubus.StatusMethodNotFound
	}
	return ubus.StatusOK
}

// watch shows a message that c has sent or is sent to the monitors.
func (b *bus) watch(c *conn, m ubus.Message, sent bool) {
	for monitor := range b.conns {
		if !monitor.monitor {
			continue
		}
		monitor.send(ubus.Message{Type: ubus.MsgMonitor, Seq: b.nextSeq(), Attrs: []ubus.Attr{
			ubus.Uint32Attr(monitorClient, c.id),
			ubus.Uint32Attr(monitorPeer, m.Peer),
			ubus.Uint32Attr(monitorSeq, uint32(m.Seq)),
			ubus.Uint32Attr(monitorType, uint32(m.Type)),
			ubus.BoolAttr(monitorSend, sent),
			{ID: monitorData, Data: attrBytes(m.Attrs...)},
		}})
	}
}

// attrBytes encodes attributes the way they stand in a message.
func attrBytes(attrs ...ubus.Attr) []byte {
	b, err := ubus.Message{Attrs: attrs}.Append(nil)
	if err != nil {
		return nil
	}
	return b[bodyStart:]
}
