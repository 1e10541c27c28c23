package sql

import (
	"strconv"
	"strings"
)

// dialect is what differs between the databases.
type dialect struct {
	// name is that of the folder of migrations.
	name string
	// quote surrounds the name of a table: "keys" is reserved in MySQL.
	quote string
	// numbered placeholders are $1, $2, ...; the others are question marks.
	numbered bool
	// contains and containsID hold when the column %s has the argument as a part, byte for byte; for ids, which may have
	// capitals, the lower-case form of the column is searched. They know no metacharacters, unless like is set: then the
	// argument is a pattern of LIKE, which is what the database has an index for.
	contains, containsID string
	like                 bool
	// document is the column of documents as text, for functions that take no JSON.
	document string
	// materialized makes a common table expression that is used twice be computed once.
	materialized string
	// indexed tells that there are keys_search, an index of the parts of texts, and label_counts, which are kept up by
	// triggers, and that the planner has to be told what to start from.
	indexed bool
	// labelsByTime tells that the labels of an object are found by its time of creation, so that they have to go while it
	// is there.
	labelsByTime bool
	// failureAborts tells that a failed statement spoils its transaction, so that each write needs a savepoint.
	failureAborts bool
	// fault classifies an error of the driver by its code.
	fault func(error) fault
	// outage says, for people, why the database cannot serve now, when that is what an error of the driver means; "" is
	// another failure.
	outage func(error) string
}

// fault is what the engine has to know about an error of a driver.
type fault int

const (
	// faultOther is nothing that we could answer to.
	faultOther fault = iota
	// faultUnique means that the id or a unique value is taken.
	faultUnique
	// faultRetry means that the transaction was the victim of others and can be run again.
	faultRetry
)

func (d *dialect) table(name string) string { return d.quote + name + d.quote }

// part is the argument of contains.
func (d *dialect) part(text string) string {
	if !d.like {
		return text
	}
	return "%" + likeEscapes.Replace(text) + "%"
}

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// bind puts the placeholders of the dialect in the place of question marks. Statements have none but placeholders:
// every value that comes from outside is an argument.
func (d *dialect) bind(statement string) string {
	if !d.numbered {
		return statement
	}
	var out strings.Builder
	out.Grow(len(statement) + 16)
	for n := 1; ; n++ {
		before, after, found := strings.Cut(statement, "?")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		out.WriteByte('$')
		out.WriteString(strconv.Itoa(n))
		statement = after
	}
}
