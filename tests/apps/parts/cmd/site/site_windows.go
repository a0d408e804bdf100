package main

func onlyThere() { isDefinedNowhere() }
