"""Speech commands: labelled clips of spoken words in, a recogniser of a live stream out."""
