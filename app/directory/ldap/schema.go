package ldap

// How a directory names things: two presets, and what the configuration overrides.

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// The presets.
const (
	PresetAD            = "ad"
	PresetInetOrgPerson = "inetorgperson"
)

// The names by which Config.Attributes overrides what an attribute is called.
const (
	AttrLogin      = "login"      // what people sign in with, beside their addresses
	AttrSIP        = "sip"        // their SIP address, with or without scheme, or the part before the "@"
	AttrProxy      = "proxy"      // addresses with a prefix: "sip:…", "SMTP:…" for the main e-mail address, "smtp:…" for others
	AttrMail       = "mail"       //
	AttrName       = "name"       // the first that is there
	AttrGiven      = "given"      // with AttrSurname where there is no name
	AttrSurname    = "surname"    //
	AttrTitle      = "title"      //
	AttrDepartment = "department" //
	AttrOffice     = "office"     //
	AttrCompany    = "company"    //
	AttrPhone      = "phone"      // at work
	AttrMobile     = "mobile"     //
	AttrHome       = "home"       //
	AttrOther      = "other"      // other telephones
	AttrManager    = "manager"    // the distinguished name of whom they report to
	AttrPhoto      = "photo"      // a picture, JPEG or PNG
	AttrMember     = "member"     // the distinguished names of a group's members
)

// attributes are the names in the directory of each of ours.
type attributes map[string][]string

// filters are RFC 4515 filters.
type filters struct{ people, groups, signin string }

type preset struct {
	attributes map[string]string
	filters    filters
}

func presetOf(name string) (preset, bool) {
	common := map[string]string{
		AttrMail: "mail", AttrName: "displayName cn", AttrGiven: "givenName", AttrSurname: "sn", AttrTitle: "title",
		AttrOffice: "physicalDeliveryOfficeName", AttrPhone: "telephoneNumber", AttrMobile: "mobile", AttrHome: "homePhone", AttrManager: "manager",
	}
	var p preset
	switch name {
	case PresetAD:
		p.attributes = map[string]string{
			AttrLogin: "sAMAccountName userPrincipalName", AttrSIP: "msRTCSIP-PrimaryUserAddress", AttrProxy: "proxyAddresses", AttrDepartment: "department",
			AttrCompany: "company", AttrOther: "otherTelephone ipPhone", AttrPhoto: "thumbnailPhoto jpegPhoto", AttrMember: "member",
		}
		// 1.2.840.113556.1.4.803 is "all these bits"; 2 is ACCOUNTDISABLE.
		p.filters = filters{
			people: "(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
			groups: "(&(objectCategory=group)(mail=*))",
			signin: "(&(objectCategory=person)(objectClass=user))",
		}
	case PresetInetOrgPerson, "":
		p.attributes = map[string]string{
			AttrLogin: "uid", AttrSIP: "", AttrProxy: "", AttrDepartment: "departmentNumber ou", AttrCompany: "o", AttrOther: "",
			AttrPhoto: "jpegPhoto", AttrMember: "member uniqueMember",
		}
		p.filters = filters{
			people: "(objectClass=inetOrgPerson)",
			groups: "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
			signin: "(objectClass=inetOrgPerson)",
		}
	default:
		return p, false
	}
	for ours, theirs := range common {
		p.attributes[ours] = theirs
	}
	return p, true
}

// none is how a configuration says that there is no such attribute or filter.
const none = "-"

func (d *Directory) prepareSchema() error {
	p, ok := presetOf(d.c.Preset)
	if !ok {
		return fmt.Errorf("the preset %q is neither %s nor %s", d.c.Preset, PresetAD, PresetInetOrgPerson)
	}
	var errs []error
	for ours, theirs := range d.c.Attributes {
		if _, known := p.attributes[ours]; !known {
			errs = append(errs, fmt.Errorf("the attribute %q is none of %s", ours, strings.Join(slices.Sorted(maps.Keys(p.attributes)), ", ")))
			continue
		}
		p.attributes[ours] = theirs
	}
	d.m = attributes{}
	for ours, theirs := range p.attributes {
		for _, name := range strings.Fields(theirs) {
			if name == none {
				continue
			}
			if !attributeName(name) {
				errs = append(errs, fmt.Errorf("%s: %q is no attribute's name", ours, name))
				continue
			}
			d.m[ours] = append(d.m[ours], name)
		}
	}
	d.filters = filters{people: or(d.c.Filter, p.filters.people), groups: or(d.c.GroupFilter, p.filters.groups), signin: or(d.c.SigninFilter, p.filters.signin)}
	if d.filters.groups == none {
		d.filters.groups = ""
	}
	for _, f := range []string{d.filters.people, d.filters.groups, d.filters.signin} {
		if f == "" {
			continue
		}
		if _, err := goldap.CompileFilter(f); err != nil {
			errs = append(errs, fmt.Errorf("the filter %s: %w", f, err))
		}
	}
	if len(d.m[AttrLogin])+len(d.m[AttrMail])+len(d.m[AttrSIP]) == 0 {
		errs = append(errs, errors.New("no attribute to sign in with"))
	}
	return errors.Join(errs...)
}

func or(value, otherwise string) string {
	if strings.TrimSpace(value) == "" {
		return otherwise
	}
	return value
}

// attributeName tells whether a name can stand in a filter as it is (RFC 4512 section 1.4: a descriptor or an OID).
func attributeName(s string) bool {
	return len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != ';'
	})
}

// wanted are the attributes to ask for, each once.
func (m attributes) wanted(ours ...string) []string {
	var out []string
	for _, name := range ours {
		for _, theirs := range m[name] {
			if !slices.ContainsFunc(out, func(have string) bool { return strings.EqualFold(have, theirs) }) {
				out = append(out, theirs)
			}
		}
	}
	return out
}

// ofPeople are the attributes that a person is made of, all but the picture.
func (m attributes) ofPeople() []string {
	return m.wanted(AttrSIP, AttrProxy, AttrMail, AttrName, AttrGiven, AttrSurname, AttrTitle, AttrDepartment, AttrOffice, AttrCompany,
		AttrPhone, AttrMobile, AttrHome, AttrOther, AttrManager)
}

// ofGroups are those of a group, all but its members.
func (m attributes) ofGroups() []string { return m.wanted(AttrProxy, AttrMail, AttrName) }

// named is a filter that finds whoever has an address.
func (d *Directory) named(address string) string {
	var b strings.Builder
	user, domain, _ := strings.Cut(address, "@")
	add := func(attribute, value string) {
		b.WriteString("(" + attribute + "=" + goldap.EscapeFilter(value) + ")")
	}
	for _, a := range d.m[AttrSIP] {
		add(a, address)
		add(a, "sip:"+address)
		if strings.EqualFold(domain, d.c.Domain) {
			add(a, user)
		}
	}
	for _, a := range d.m[AttrProxy] {
		add(a, "sip:"+address)
		add(a, "smtp:"+address)
	}
	for _, a := range d.m[AttrMail] {
		add(a, address)
	}
	return b.String()
}
