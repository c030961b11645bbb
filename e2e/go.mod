module e2e

go 1.23.0
