"""Fine-tune both networks from the classes of slides alone, through the attention fusion."""
