package main

import (
	"fmt"

	"mwan3/config"
	"mwan3/network"
	"mwan3track/probe"
)

// openProber makes the Prober of a method.
func openProber(path probe.Path, t config.Tracking) (probe.Prober, error) {
	switch t.Method {
	case config.Ping, config.NpingICMP:
		return probe.NewPing(path, probe.PingOptions{Count: t.Count, Size: t.Size, TTL: t.MaxTTL, Timeout: t.Timeout,
			All: t.Method == config.NpingICMP})
	case config.ARPing, config.NpingARP:
		return probe.NewARP(path, probe.ARPOptions{Count: t.Count, Timeout: t.Timeout, Fixed: t.Method == config.NpingARP}), nil
	case config.NpingUDP:
		return probe.NewUDP(path, probe.UDPOptions{Count: t.Count, Port: t.Port, Timeout: t.Timeout}), nil
	case config.NSLookup:
		return probe.NewDNS(path, probe.DNSOptions{Name: t.NSLookupName, Port: t.Port, Timeout: t.Timeout}), nil
	}
	return openStream(path, t)
}

// openStream makes the Prober of a method over TCP.
func openStream(path probe.Path, t config.Tracking) (probe.Prober, error) {
	tcp := probe.TCPOptions{Count: t.Count, Port: t.Port, Timeout: t.Timeout}
	http := probe.HTTPOptions{Count: t.Count, Port: t.Port, Timeout: t.Timeout, Path: t.HTTPPath, Status: t.HTTPStatus}
	switch t.Method {
	case config.TCP:
		return probe.NewTCP(path, tcp), nil
	case config.NpingTCP:
		return probe.NewTCPPing(path, tcp), nil
	case config.HTTP:
		return probe.NewHTTP(path, http), nil
	case config.HTTPing:
		if t.HTTPingSSL {
			return probe.NewTLSPing(path, http), nil
		}
		return probe.NewHTTPing(path, http), nil
	}
	return nil, fmt.Errorf("unsupported tracking method: %s", t.Method)
}

// unsupported returns what to warn of when a method cannot be used with a family, and ping has to stand in; empty
// otherwise.
func unsupported(method config.Method, family network.Family) string {
	switch method {
	case config.ARPing, config.NpingARP:
		if family == network.IPv6 {
			return fmt.Sprintf("%s does not support IPv6. Please use another track method.", method)
		}
	case config.Ping, config.NpingICMP, config.NpingTCP, config.NpingUDP, config.NSLookup, config.HTTPing, config.TCP, config.HTTP:
	default:
		return fmt.Sprintf("Unsupported tracking method: %s", method)
	}
	return ""
}
