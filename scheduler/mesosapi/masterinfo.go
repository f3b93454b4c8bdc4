package mesosapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// infoPrefix begins the names of the znodes in which masters announce
// themselves in JSON; ten digits follow.
const infoPrefix = "json.info_"

// firstMaster picks the announcement of the leader: the lowest sequence.
func firstMaster(children []string) (name string, found bool) {
	lowest := uint64(0)
	for _, child := range children {
		digits, ok := strings.CutPrefix(child, infoPrefix)
		if !ok {
			continue
		}
		sequence, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || found && sequence >= lowest {
			continue
		}
		name, lowest, found = child, sequence, true
	}
	return name, found
}

// parseMasterInfo reads the address out of a MasterInfo in JSON. The IP comes
// before the hostname, which need not resolve here.
func parseMasterInfo(data []byte) (string, error) {
	var info struct {
		// IP is the IPv4 address with its first byte lowest; Port belongs to it.
		// Masters before 0.23 have nothing else.
		IP      uint32 `json:"ip"`
		Port    int    `json:"port"`
		Address *struct {
			Hostname string `json:"hostname"`
			IP       string `json:"ip"`
			Port     int    `json:"port"`
		} `json:"address"`
	}
	if err := json.Unmarshal(data, &info); err != nil {
		return "", fmt.Errorf("MasterInfo is not valid JSON: %w", err)
	}
	host, port := "", info.Port
	if a := info.Address; a != nil {
		port = a.Port
		host = a.Hostname
		if a.IP != "" {
			ip, err := netip.ParseAddr(a.IP)
			if err != nil {
				return "", fmt.Errorf("MasterInfo has no valid address.ip: %w", err)
			}
			host = ip.String()
		}
	} else if info.IP != 0 {
		host = netip.AddrFrom4([4]byte{byte(info.IP), byte(info.IP >> 8), byte(info.IP >> 16), byte(info.IP >> 24)}).String()
	}
	if host == "" {
		return "", errors.New("MasterInfo has no address")
	}
	if _, err := netip.ParseAddr(host); err != nil && strings.ContainsAny(host, " \t\r\n/?#@%[]:") {
		return "", fmt.Errorf("MasterInfo has no valid hostname: %q", host)
	}
	if port < 1 || port > 65535 {
		return "", fmt.Errorf("MasterInfo has no valid port: %d", port)
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}
