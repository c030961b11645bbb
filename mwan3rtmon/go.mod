module mwan3rtmon

go 1.23.0

require mwan3 v0.0.0

replace mwan3 => ../mwan3
