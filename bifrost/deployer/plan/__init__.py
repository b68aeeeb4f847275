"""From declared and live to a list of actions (pure), and the plan as text."""
