"""Search: what is kept of a row for it, the indexes over that, the conditions of lists, one box over everything."""
