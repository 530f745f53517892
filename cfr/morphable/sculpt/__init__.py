"""How the built-in face model is made: mesh, mean surface, fields on it, and what photos teach."""
