"""The engines that compute recurrent cells, their contract, and the dispatch to them."""
