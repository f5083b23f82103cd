package views

import "fmt"

// ProblemPage says in words what went wrong.
type ProblemPage struct {
	Reader
	// Status is the HTTP status of the answer.
	Status int
	// Sentence is what happened and what to do, from the catalogue.
	Sentence string
	// Back is where to go on: a path of this portal; empty: its front page.
	Back string
	// Reference finds the entry in the operator's log; empty where there is none.
	Reference string
}

func (v ProblemPage) title() string {
	if key := fmt.Sprintf("problem.%d", v.Status); v.Has(key) {
		return v.Text(key)
	}
	return v.Text("problem.title")
}

func (v ProblemPage) back() string {
	if v.Back == "" {
		return "/"
	}
	return v.Back
}
