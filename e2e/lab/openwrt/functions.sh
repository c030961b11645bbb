# Plays OpenWrt's library. The scripts of the lab need nothing of it, but it must be there to be sourced.
