package policy

import (
	"net/netip"
	"testing"

	"portico/app/portal"
)

func TestThin(t *testing.T) {
	farm := NewThinWays([]netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}, "X-Session-Type: ica")
	named := NewThinWays(nil, " X-Thin ")
	at := netip.MustParseAddr
	no := ThinSession{From: portal.ThinDefault}
	for _, test := range []struct {
		name string
		ask  ThinAsk
		ways ThinWays
		want ThinSession
	}{
		{"nothing is known", ThinAsk{}, ThinWays{}, no},
		{"policy before choice", ThinAsk{Policy: On, Choice: Off}, farm, ThinSession{On: true, From: portal.ThinPolicy}},
		{"policy before everything", ThinAsk{Policy: Off, Choice: On, Here: true, Remote: at("10.20.1.1"), Header: []string{"ica"}, Hint: true}, farm, ThinSession{From: portal.ThinPolicy}},
		{"choice before the network", ThinAsk{Choice: Off, Remote: at("10.20.1.1")}, farm, ThinSession{From: portal.ThinChoice}},
		{"choice", ThinAsk{Choice: On}, farm, ThinSession{On: true, From: portal.ThinChoice}},
		{"off everywhere before this browser", ThinAsk{Choice: Off, Here: true}, farm, ThinSession{From: portal.ThinChoice}},
		{"in this browser", ThinAsk{Here: true}, farm, ThinSession{On: true, From: portal.ThinChoice}},
		{"words that nobody knows", ThinAsk{Policy: "yes", Choice: "1"}, farm, no},
		{"network", ThinAsk{Remote: at("10.20.255.255")}, farm, ThinSession{On: true, From: portal.ThinNetwork}},
		{"IPv4 in IPv6", ThinAsk{Remote: at("::ffff:10.20.3.4")}, farm, ThinSession{On: true, From: portal.ThinNetwork}},
		{"IPv6", ThinAsk{Remote: at("2001:db8::9")}, farm, ThinSession{On: true, From: portal.ThinNetwork}},
		{"the network beside it", ThinAsk{Remote: at("10.21.0.0")}, farm, no},
		{"network before header", ThinAsk{Remote: at("10.20.1.1"), Header: []string{"ica"}}, farm, ThinSession{On: true, From: portal.ThinNetwork}},
		{"header", ThinAsk{Remote: at("192.0.2.1"), Header: []string{"console", " ICA "}}, farm, ThinSession{On: true, From: portal.ThinHeader}},
		{"another value", ThinAsk{Header: []string{"console"}}, farm, no},
		{"a part of the value", ThinAsk{Header: []string{"icaros"}}, farm, no},
		{"any value", ThinAsk{Header: []string{"0"}}, named, ThinSession{On: true, From: portal.ThinHeader}},
		{"an empty value", ThinAsk{Header: []string{" "}}, named, no},
		{"a header where none counts", ThinAsk{Header: []string{"ica"}}, ThinWays{}, no},
		{"the browser would be glad", ThinAsk{Hint: true}, farm, ThinSession{From: portal.ThinDefault, Offer: true}},
		{"nothing to offer", ThinAsk{Choice: Off, Hint: true}, farm, ThinSession{From: portal.ThinChoice}},
		{"thin already", ThinAsk{Remote: at("10.20.1.1"), Hint: true}, farm, ThinSession{On: true, From: portal.ThinNetwork}},
	} {
		if got := Thin(test.ask, test.ways); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
	if named.Header != "X-Thin" || named.Value != "" || farm.Header != "X-Session-Type" || farm.Value != "ica" {
		t.Errorf("ways %+v, %+v", named, farm)
	}
}
