"""What is done with a lab or a run as a whole: launch and record, judge a run, watch, wait until a lab is up."""
