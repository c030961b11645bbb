module mwan3rtmon

go 1.23.0
