// Package certificate reads certificates, and hands them to the gateways in the form that they expect.
package certificate
