package web

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"portico/app/calsync/mapping"
	"portico/app/portal"
	"portico/views"
)

// Rules of the mapping as a form has them: every field as text, a list by commas, a yes or no as a choice of three.

// ruleRow is a rule as the form shows it.
func ruleRow(r mapping.Rule) views.RuleRow {
	return views.RuleRow{
		Name: r.Name, On: r.On, Direction: r.Direction, SubjectContains: r.When.SubjectContains, SubjectMatches: r.When.SubjectMatches, Category: r.When.Category,
		Organizer: r.When.Organizer, Mailbox: r.When.Mailbox, Private: yesNo(r.When.Private), AllDay: yesNo(r.When.AllDay), Meeting: yesNo(r.When.Meeting), Show: string(r.When.Show),
		LeaveOut: r.Do.LeaveOut, Subject: views.RuleText(r.Do.Subject), Body: views.RuleText(r.Do.Body), Location: views.RuleText(r.Do.Location),
		AddCategories: strings.Join(r.Do.AddCategories, ", "), RemoveCategories: strings.Join(r.Do.RemoveCategories, ", "), MapCategories: mapText(r.Do.MapCategories),
		SetPrivate: yesNo(r.Do.Private), SetShow: string(r.Do.Show),
	}
}

// ruleFromRow is the rule that a row of the form describes.
func ruleFromRow(r views.RuleRow) mapping.Rule {
	return mapping.Rule{
		Name: r.Name, On: r.On, Direction: r.Direction,
		When: mapping.When{
			SubjectContains: r.SubjectContains, SubjectMatches: r.SubjectMatches, Category: r.Category, Organizer: r.Organizer, Mailbox: r.Mailbox,
			Private: truth(r.Private), AllDay: truth(r.AllDay), Meeting: truth(r.Meeting), Show: portal.FreeBusy(r.Show),
		},
		Do: mapping.Do{
			LeaveOut: r.LeaveOut, Subject: mapping.Text(r.Subject), Body: mapping.Text(r.Body), Location: mapping.Text(r.Location),
			AddCategories: parts(r.AddCategories), RemoveCategories: parts(r.RemoveCategories), MapCategories: textMap(r.MapCategories),
			Private: truth(r.SetPrivate), Show: portal.FreeBusy(r.SetShow),
		},
	}
}

func yesNo(b *bool) string {
	switch {
	case b == nil:
		return ""
	case *b:
		return "yes"
	}
	return "no"
}

func truth(text string) *bool {
	if text != "yes" && text != "no" {
		return nil
	}
	b := text == "yes"
	return &b
}

// parts are the pieces of a line between its commas.
func parts(line string) []string {
	var out []string
	for part := range strings.SplitSeq(line, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// mapText writes what becomes of categories: "old=new, other=".
func mapText(m map[string]string) string {
	var out []string
	for _, from := range slices.Sorted(maps.Keys(m)) {
		out = append(out, from+"="+m[from])
	}
	return strings.Join(out, ", ")
}

func textMap(line string) map[string]string {
	var out map[string]string
	for _, part := range parts(line) {
		from, to, _ := strings.Cut(part, "=")
		if out == nil {
			out = map[string]string{}
		}
		out[strings.TrimSpace(from)] = strings.TrimSpace(to)
	}
	return out
}

// ruleRows reads the rows of the form. One that is to be removed, or that is empty, is left out.
func ruleRows(form url.Values) []views.RuleRow {
	var out []views.RuleRow
	for n := range mapping.MaxRules {
		if !form.Has(fmt.Sprintf("rule.%d.name", n)) {
			break
		}
		own := func(field string) string { return form.Get(fmt.Sprintf("rule.%d.%s", n, field)) }
		trimmed := func(field string) string { return strings.TrimSpace(own(field)) }
		text := func(name string) views.RuleText {
			return views.RuleText{Drop: own(name+".drop") == "on", Prefix: own(name + ".prefix"), Find: own(name + ".find"), Replace: own(name + ".replace"), Template: own(name + ".template")}
		}
		row := views.RuleRow{
			Name: trimmed("name"), On: own("on") == "on", Direction: portal.Direction(own("direction")),
			SubjectContains: trimmed("subject_contains"), SubjectMatches: own("subject_matches"), Category: trimmed("category"), Organizer: trimmed("organizer"), Mailbox: trimmed("mailbox"),
			Private: own("private"), AllDay: own("all_day"), Meeting: own("meeting"), Show: own("show"),
			LeaveOut: own("leave_out") == "on", Subject: text("subject"), Body: text("body"), Location: text("location"),
			AddCategories: trimmed("add_categories"), RemoveCategories: trimmed("remove_categories"), MapCategories: trimmed("map_categories"),
			SetPrivate: own("set_private"), SetShow: own("set_show"),
		}
		if own("remove") == "on" || row == (views.RuleRow{}) || row == (views.RuleRow{On: true}) {
			continue
		}
		out = append(out, row)
	}
	return out
}
