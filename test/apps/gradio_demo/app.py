import gradio as gr


def greet(name: str) -> str:
    return f"hello from gradio, {name}"


demo = gr.Interface(greet, "textbox", "textbox")

if __name__ == "__main__":
    demo.launch()
