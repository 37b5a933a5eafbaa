package ingest

import (
	"errors"
	"strings"
	"time"

	"geppo/store"
)

// Vision One's own inventory, GET /v3.0/endpointSecurity/endpoints, of customers who moved there. It
// is read as smpi, beside which it stands: a list of machines and their agents. It has no day of
// installation, so that only machines that the store knows already become endpoints.

// managed makes an item of the list the state of its agent.
func (s *inventory) managed(l *line, item node) {
	name := cleanName(present(item.at("endpointName").text(), item.at("displayName").text()))
	if name == "" {
		l.err = errors.New("an endpoint without a name; name it in the console")
		return
	}
	contract, err := s.v.contract()
	if err != nil {
		l.err = err
		return
	}
	of, id := s.of(contract), cleanName(item.at("agentGuid").text())
	of.note(l, name, id)
	os := cleanName(strings.TrimSpace(item.at("osName").text() + " " + item.at("osVersion").text()))
	if installed, ok := s.installed(contract, name, item); ok {
		class := store.Class(item.at("type").text())
		if class != store.ClassDesktop && class != store.ClassServer {
			class = store.ClassUnknown
		}
		l.rows = append(l.rows, endpoint{
			Type: "endpoint", Contract: contract, Name: name, EndpointID: id, Class: string(class), OS: os, InstalledAt: stamp(installed),
		})
	} else {
		l.warn("no day of installation: no endpoint row")
	}
	seen, err := parseTime(item.at("eppAgent", "lastConnectedDateTime").text(), time.UTC)
	if err != nil {
		l.warn("never connected")
		return
	}
	l.rows = append(l.rows, agentStatus{
		Type: "agent_status", Contract: contract, Endpoint: name, EndpointID: id, Day: string(s.v.Day), LastSeen: stamp(seen), OS: os,
		PatternCurrent: patternCurrent(item.at("eppAgent", "componentVersion").text()), Protections: protectionsOf(item),
	})
}

// patternCurrent reads the agent's version of its components; nil if it is not known.
func patternCurrent(version string) *bool {
	switch version {
	case "outdatedVersion":
		return new(false)
	case "latestVersion", "controlledLatestVersion":
		return new(true)
	}
	return nil
}

// protectionsOf are what the sensor and the features say; what they do not say is unknown. The agent's
// own status is about its connection.
func protectionsOf(item node) protections {
	p := protections{EDR: protectionOf(item.at("edrSensor", "status").text())}
	for _, f := range append(item.at("features").list(), item.at("eppAgent", "features").list()...) {
		state := protectionOf(f.at("status").text())
		switch f.at("name").text() {
		case "AntiMalwareScans":
			p.RealtimeScan = state
		case "BehaviorMonitoring":
			p.BehaviorMonitoring = state
		case "PredictiveMachineLearning":
			p.MachineLearning = state
		case "WebReputation":
			p.WebReputation = state
		}
	}
	return p
}

func protectionOf(status string) string {
	switch status {
	case "enabled":
		return string(store.On)
	case "disabled":
		return string(store.Off)
	}
	return string(store.Unknown)
}
