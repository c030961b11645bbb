module mwan3track

go 1.23.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/mdlayher/arp v0.0.0-20260528070854-93566ba168e9
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
	golang.org/x/net v0.38.0
	mwan3 v0.0.0
)

require (
	github.com/digineo/go-uci v0.0.0-20210918132103-37c7b10c14fa // indirect
	github.com/josharian/native v1.1.0 // indirect
	github.com/mdlayher/ethernet v0.0.0-20220221185849-529eae5b6118 // indirect
	github.com/mdlayher/packet v1.1.2 // indirect
	github.com/mdlayher/socket v0.4.1 // indirect
	golang.org/x/sync v0.1.0 // indirect
	golang.org/x/sys v0.31.0 // indirect
)

replace mwan3 => ../mwan3
