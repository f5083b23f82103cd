package account

// Known devices: browsers in which somebody has signed in before. What strangers do, at the same address or at the same account,
// does not hold a person up in a browser of their own: tries from there are counted by themselves. Nobody can so be kept out for
// good by wrong tries in their name.

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

const (
	// DeviceLasts is how long a browser knows an account after the last sign-in.
	DeviceLasts = 180 * 24 * time.Hour
	// maxDeviceNames is how many names of accounts a browser knows; the oldest go. One sign-in may give two.
	maxDeviceNames = 8
	// maxDeviceToken is the longest token that is looked at, in bytes; those that are made are shorter.
	maxDeviceToken = 2048
	// devicePurpose is what tokens are sealed for.
	devicePurpose = "known device"
	// deviceFrom begins the place of a known device's tries in the place of a remote address; no address is written like that.
	deviceFrom = "device-"
)

// device is a browser as its token tells it.
type device struct {
	// ID tells browsers apart: 128 random bits in hexadecimal.
	ID string `json:"id"`
	// Names are those of the accounts that have signed in, the newest last.
	Names []deviceName `json:"names"`
}

// deviceName is a name of an account, hashed, and when it last signed in, in seconds since 1970.
type deviceName struct {
	Name string `json:"n"`
	At   int64  `json:"at"`
}

// Device gives what a browser is to keep from now on, in the place of token: that who has signed in there, under the name that
// was typed. It says nothing to anybody but this portal.
func (s *Service) Device(token string, who portal.Address, typed string) (string, error) {
	d, ok := s.device(token)
	if !ok {
		id := make([]byte, 16)
		if _, err := rand.Read(id); err != nil {
			return "", fmt.Errorf("device: %w", err)
		}
		d = device{ID: hex.EncodeToString(id)}
	}
	now := s.o.Now().Unix()
	for _, name := range slices.Compact([]string{nameOf(s.typed(typed)), nameOf(who)}) {
		d.Names = slices.DeleteFunc(d.Names, func(n deviceName) bool { return n.Name == name })
		d.Names = append(d.Names, deviceName{name, now})
	}
	d.Names = d.Names[max(0, len(d.Names)-maxDeviceNames):]
	data, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("device: %w", err)
	}
	sealed, err := s.Seal(devicePurpose, data)
	if err != nil {
		return "", fmt.Errorf("device: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// device reads a token; one that this portal has not made is no device.
func (s *Service) device(token string) (device, bool) {
	if token == "" || len(token) > maxDeviceToken {
		return device{}, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return device{}, false
	}
	data, err := s.Open(devicePurpose, sealed)
	if err != nil {
		return device{}, false
	}
	var d device
	if err := json.Unmarshal(data, &d); err != nil || d.ID == "" {
		return device{}, false
	}
	since := s.o.Now().Add(-DeviceLasts).Unix()
	d.Names = slices.DeleteFunc(d.Names, func(n deviceName) bool { return n.At < since })
	return d, true
}

// from is where a try of an account comes from: a browser that knows it, or a remote address.
func (s *Service) from(who portal.Address, remote, token string) string {
	d, ok := s.device(token)
	if !ok || !slices.ContainsFunc(d.Names, func(n deviceName) bool { return n.Name == nameOf(who) }) {
		return remote
	}
	return deviceFrom + d.ID
}

// typed is the account that a typed name stands for while nobody has said whose it is.
func (s *Service) typed(name string) portal.Address {
	name = strings.TrimSpace(name)
	who, err := s.address(name)
	if err != nil && who == "" {
		return portal.Address("login:" + name)
	}
	return who
}

// isDevice reports whether tries come from a known device.
func isDevice(from string) bool { return strings.HasPrefix(from, deviceFrom) }

// nameOf is how a token tells an account.
func nameOf(who portal.Address) string {
	sum := sha256.Sum256([]byte(accountKey(who)))
	return hex.EncodeToString(sum[:16])
}
