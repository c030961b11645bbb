module mwan3track

go 1.23.0
