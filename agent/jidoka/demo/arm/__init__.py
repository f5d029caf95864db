"""The story that `jidoka demo arm` tells: a policy that moves an arm."""
